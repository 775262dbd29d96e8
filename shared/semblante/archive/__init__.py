"""The index of an upload: which images it holds and where their bytes lie."""
