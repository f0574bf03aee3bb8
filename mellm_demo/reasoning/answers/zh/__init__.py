"""The narrator's Chinese, which says the same as its English, sentence by sentence in its own words."""
