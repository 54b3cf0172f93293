"""What every page and API route shares: access, errors, headers, frame."""
