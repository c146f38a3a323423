"""What `doctor` looks at, a module for each kind of thing: the machine is read, never changed, and nothing is paid for.

A check gives findings: what it found, and for what is not right how to mend it and the exact command. What the machine
says beside the files themselves (mounts, kernel limits, units, the environment) comes with `Machine`, so that a check
can be tried on any machine. The surprise: whoever asks is often not who runs the daemon; permissions are those of a
`Person`, and only where that is the asker are they tried instead of computed.
"""
