"""Looking a publication over: one small function a probe, each says how it stands and what to do."""
