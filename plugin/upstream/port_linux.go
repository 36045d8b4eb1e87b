package upstream

// choosePort returns 0: the kernel chooses each port at random from the whole
// range of net.ipv4.ip_local_port_range, when a socket without one connects.
func choosePort() uint16 { return 0 }
