"""What `pip install` of this directory brings: built as pip does, put where nothing else is."""
