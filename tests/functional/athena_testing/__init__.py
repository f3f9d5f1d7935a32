"""What the functional tests stand on: servers, the gate, raw HTTP, and the runner of the text cases."""
