"""From other programs to ours and back: their exports and folders are read into posts, posts become issues."""
