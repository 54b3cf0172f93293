"""Operations: playbooks with the form, policy and texts that let anybody ask for them."""
