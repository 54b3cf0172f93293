"""gunicorn configuration of the worker API, on a worker and for the master itself."""

from selfservice.settings import NodeType, load

_settings = load()

if _settings.node_type is NodeType.MASTER:
    # Only the master itself calls its own worker.
    bind = f"127.0.0.1:{_settings.worker_port}"
else:
    bind = f"{_settings.host}:{_settings.port}"
    certfile, keyfile = _settings.tls_certificate or None, _settings.tls_key or None
wsgi_app = "selfservice.node.server:worker_api()"
worker_class = "gthread"
workers = 1
threads = 16
timeout = 30
graceful_timeout = 5
control_socket_disable = True
accesslog = None
errorlog = "-"
loglevel = "warning"
umask = 0o077
proc_name = "selfservice-worker"
