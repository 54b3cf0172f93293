"""gunicorn configuration of the dashboard. One process: live streams are greenlets, not threads."""

from selfservice.settings import load

_settings = load()

bind = f"{_settings.host}:{_settings.port}"
certfile, keyfile = _settings.tls_certificate or None, _settings.tls_key or None
wsgi_app = "selfservice.node.server:dashboard()"
worker_class = "gevent"
workers = 1
worker_connections = 2000
timeout = 30
graceful_timeout = 5
keepalive = 15
control_socket_disable = True
accesslog = None
errorlog = "-"
loglevel = "warning"
umask = 0o077
proc_name = "selfservice-web"
forwarded_allow_ips = "127.0.0.1"
