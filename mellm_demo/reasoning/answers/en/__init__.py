"""The narrator's English."""
