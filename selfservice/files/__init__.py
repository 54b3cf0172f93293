"""Files of repositories: looked at, edited on a branch of one's own, and brought back by a pull request.

A person edits on a temporary branch; nobody's work is overwritten unseen. Bitbucket Cloud, Bitbucket
Data Center and local bare repositories stand behind one interface, `repository.Repository`.
"""
