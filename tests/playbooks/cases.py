"""The operations that come with the program, by what they do to hosts."""

from __future__ import annotations

from tests.playbooks.conftest import PLAYBOOKS, Operation

NAMES = sorted(path.stem for path in PLAYBOOKS.glob("*.yml"))

#: They look, with the values they are tried with.
LOOKING = (
    Operation("count_folders", {"folder": "/etc", "recursive": True}),
    Operation("disk_usage"),
    Operation("gather_facts", {"subsets": ["min", "hardware"]}),
    Operation("health_check", {"disk_percent": 100, "memory_percent": 100, "load_per_processor": 1000.0}),
    Operation("list_folder", {"folder": "/etc/ssh"}),
    Operation("memory_and_load"),
    Operation("package_updates", {"refresh": False}),
    Operation("ping"),
    Operation("top_processes", {"count": 3}),
    Operation("uptime"),
)
#: They ask for or change a service: test_services.py.
SERVICES = ("service_restart", "service_start", "service_status", "service_stop")
#: They change packages: test_packages.py.
PACKAGES = ("install_docker", "install_nginx", "package_upgrade", "system_update")
#: They write files or run what somebody wrote: test_files.py, test_projects.py.
WRITING = ("copy_file", "run_script", "backup", "deploy")
#: They look from the master: test_api_probe.py.
PROBING = ("api_probe",)
#: test_reboot.py.
REBOOTING = ("reboot",)
