"""Speed and size, measured side by side in one call, as ratios: `make bench`."""
