"""gunicorn configuration of the worker API, on a worker and for the master itself."""

from selfservice.settings import NodeType, load

_settings = load()
_port = _settings.worker_port if _settings.node_type is NodeType.MASTER else _settings.port

bind = f"{_settings.host}:{_port}"
wsgi_app = "selfservice.node.server:worker_api()"
worker_class = "gthread"
workers = 1
threads = 8
timeout = 30
graceful_timeout = 5
control_socket_disable = True
accesslog = None
errorlog = "-"
loglevel = "warning"
umask = 0o077
proc_name = "selfservice-worker"
