// NATS JetStream as its users have it: the server is a process of its own on a free loopback port, the client
// publishes asynchronously with OUTSTANDING messages in flight into one stream on file storage, one replica.
//
// nats SERVER always|default DIR OUTSTANDING BYTES MILLISECONDS. `always` syncs every write; `default` leaves the
// server's own default (a sync every two minutes), so that its acknowledgements are not durable.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"bench/peers/closedloop"
)

const (
	startTimeout = 20 * time.Second
	// The unit of CPU times in /proc, the same on every Linux we know.
	clockTick = 10 * time.Millisecond
)

func start(server, sync, dir string) (*exec.Cmd, string) {
	config := fmt.Sprintf("listen: \"127.0.0.1:-1\"\nports_file_dir: %q\njetstream {\n  store_dir: %q\n", dir, dir)
	if sync == "always" {
		config += "  sync_interval: always\n"
	}
	file := filepath.Join(dir, "server.conf")
	closedloop.Check(os.WriteFile(file, []byte(config+"}\n"), 0o600))
	command := exec.Command(server, "--config", file, "--log", filepath.Join(dir, "server.log"))
	// Whatever ends this driver ends the server; the signal is tied to the thread that started it.
	runtime.LockOSThread()
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	closedloop.Check(command.Start())
	return command, address(dir, command.Process.Pid)
}

// address waits for the file in which the server says where it listens.
func address(dir string, pid int) string {
	pattern := filepath.Join(dir, fmt.Sprintf("*_%d.ports", pid))
	for deadline := time.Now().Add(startTimeout); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		found, err := filepath.Glob(pattern)
		closedloop.Check(err)
		if len(found) == 0 {
			continue
		}
		var ports struct{ Nats []string }
		text, err := os.ReadFile(found[0])
		closedloop.Check(err)
		if json.Unmarshal(text, &ports) == nil && len(ports.Nats) > 0 {
			return ports.Nats[0]
		}
	}
	closedloop.Check(fmt.Errorf("nats-server did not say where it listens within %s", startTimeout))
	return ""
}

// cpu of another process: fields 14 and 15 of its stat, counted after the name, which may hold spaces.
func cpu(pid int) time.Duration {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	closedloop.Check(err)
	fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
	var ticks int
	for _, field := range fields[11:13] {
		n, err := strconv.Atoi(string(field))
		closedloop.Check(err)
		ticks += n
	}
	return time.Duration(ticks) * clockTick
}

type published struct {
	at     time.Time
	future jetstream.PubAckFuture
}

func main() {
	arguments := closedloop.Parse()
	command, url := start(os.Args[1], os.Args[2], arguments.Dir)
	connection, err := nats.Connect(url)
	closedloop.Check(err)
	// Twice what is in flight: the client must never stall on its own limit, the channel below is the limit.
	js, err := jetstream.New(connection, jetstream.WithPublishAsyncMaxPending(2*arguments.Outstanding))
	closedloop.Check(err)
	_, err = js.CreateStream(context.Background(), jetstream.StreamConfig{
		Name: "bench", Subjects: []string{"bench"}, Storage: jetstream.FileStorage, Replicas: 1,
	})
	closedloop.Check(err)

	payload := arguments.Payload()
	slots := make(chan struct{}, arguments.Outstanding)
	inFlight := make(chan published, arguments.Outstanding)
	var stopping atomic.Bool
	go func() {
		for {
			slots <- struct{}{}
			at := time.Now()
			future, err := js.PublishAsync("bench", payload)
			if stopping.Load() {
				return // The server is being killed: an error would be no news.
			}
			closedloop.Check(err)
			inFlight <- published{at, future}
		}
	}()
	window := closedloop.NewWindow(arguments.Measured, func() time.Duration { return cpu(command.Process.Pid) })
	// Acknowledgements come in the order of publication.
	for message := range inFlight {
		select {
		case <-message.future.Ok():
		case err := <-message.future.Err():
			closedloop.Check(err)
		}
		<-slots
		now := time.Now()
		if window.Acknowledged(now, 1) {
			window.Add(now.Sub(message.at))
		}
		if window.Closed() {
			break
		}
	}
	window.Report()
	stopping.Store(true)
	closedloop.Check(command.Process.Kill())
	_ = command.Wait() // Killed: that it reports so is no news.
}
