"""Approvals: a launch that others have to agree to first waits as a request, with its preview beside it."""
