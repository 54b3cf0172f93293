"""Commands that use a running dashboard from any machine, through its JSON API alone."""
