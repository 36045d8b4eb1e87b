package lifecycle

import (
	"net"
	"os"
)

// notifyReady reports to systemd that the process serves (sd_notify), so that
// `systemctl start` waits for it and fails with it. Without NOTIFY_SOCKET it does
// nothing. A repeated report, after a reload, has no effect.
func notifyReady() error {
	path := os.Getenv("NOTIFY_SOCKET")
	if path == "" {
		return nil
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		return err
	}
	defer conn.Close()
	_, err = conn.Write([]byte("READY=1"))
	return err
}
