SITENAME = "Keepers"
