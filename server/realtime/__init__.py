"""Socket.IO: citizens in `/audience`, staff in `/host`."""
