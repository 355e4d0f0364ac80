// Group commit as one would write it in Go: a goroutine an append in flight, one committer that takes whatever is
// queued, writes it with one write, syncs once, and answers. Records carry length, offset and CRC-32 as ours do.
package main

import (
	"encoding/binary"
	"hash/crc32"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"bench/peers/closedloop"
)

const headerBytes = 24

type request struct {
	payload []byte
	done    chan uint64
}

type log struct {
	file   *os.File
	queue  chan *request
	buffer []byte
	next   uint64
}

func (l *log) encode(payload []byte) {
	var header [headerBytes]byte
	binary.LittleEndian.PutUint32(header[0:], uint32(len(payload)))
	binary.LittleEndian.PutUint32(header[4:], crc32.ChecksumIEEE(payload))
	binary.LittleEndian.PutUint64(header[8:], l.next)
	binary.LittleEndian.PutUint32(header[16:], crc32.ChecksumIEEE(header[:16]))
	l.buffer = append(append(l.buffer, header[:]...), payload...)
	l.next++
}

// commit runs until the queue is closed; committed is told of every group.
func (l *log) commit(committed func(messages int)) {
	var group []*request
	for first := range l.queue {
		// Those just answered get to queue their next append first: without this, groups are split and 16 in flight
		// reach two thirds of the rate.
		runtime.Gosched()
		group, l.buffer = append(group[:0], first), l.buffer[:0]
		for len(l.queue) > 0 {
			group = append(group, <-l.queue)
		}
		for _, r := range group {
			l.encode(r.payload)
		}
		_, err := l.file.Write(l.buffer)
		closedloop.Check(err)
		closedloop.Check(syscall.Fdatasync(int(l.file.Fd())))
		committed(len(group))
		offset := l.next - uint64(len(group))
		for i, r := range group {
			r.done <- offset + uint64(i)
		}
	}
}

func main() {
	arguments := closedloop.Parse()
	file, err := os.Create(filepath.Join(arguments.Dir, "log"))
	closedloop.Check(err)
	l := &log{file: file, queue: make(chan *request, arguments.Outstanding)}
	window := closedloop.NewWindow(arguments.Measured, closedloop.OwnCPU)
	payload := arguments.Payload()

	var stop atomic.Bool
	var appenders sync.WaitGroup
	latencies := make([][]time.Duration, arguments.Outstanding)
	for i := range arguments.Outstanding {
		appenders.Go(func() {
			r := &request{payload: payload, done: make(chan uint64, 1)}
			before := time.Now()
			for !stop.Load() {
				l.queue <- r
				<-r.done
				now := time.Now()
				if window.Open() {
					latencies[i] = append(latencies[i], now.Sub(before))
				}
				before = now
			}
		})
	}
	go func() {
		appenders.Wait()
		close(l.queue)
	}()
	l.commit(func(messages int) {
		window.Acknowledged(time.Now(), messages)
		stop.Store(window.Closed())
	})
	for _, some := range latencies {
		window.Add(some...)
	}
	window.Report()
}
