"""Page → entries, purely: one file per page shape, with identifiers, links and text clean-up."""
