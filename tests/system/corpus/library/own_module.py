#!/usr/bin/python
"""A module beside the playbooks."""

from ansible.module_utils.basic import AnsibleModule


def main() -> None:
    """Say what was asked."""
    module = AnsibleModule(argument_spec={"word": {"type": "str", "required": True}}, supports_check_mode=True)
    module.exit_json(changed=False, said=module.params["word"])


main()
