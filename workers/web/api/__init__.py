"""The API: the same as the pages, for programs. One file for each subject; `app` puts them together."""
