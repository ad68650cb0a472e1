"""One due source → pages. `source.fetch` is the way in; there is one module for each kind."""
