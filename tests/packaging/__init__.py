"""What `pip install zbroker` brings: built as pip builds it, installed where nothing else is."""
