"""The admin's pages, one file per face; the door lets in who may look, act or manage."""
