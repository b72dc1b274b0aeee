"""study.toml → the grid of its cells → tasks, wave by wave → results."""
