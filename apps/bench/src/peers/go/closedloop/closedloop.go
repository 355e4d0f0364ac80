// Package closedloop is what the Go drivers share: their arguments, the window that is measured, and the report.
//
// DRIVER DIR OUTSTANDING BYTES MILLISECONDS keeps OUTSTANDING appends of BYTES in flight, for half of MILLISECONDS
// uncounted and then for MILLISECONDS, and prints one line of JSON.
package closedloop

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"
)

// Arguments of a driver.
type Arguments struct {
	Dir         string
	Outstanding int
	Bytes       int
	Measured    time.Duration
}

// Parse reads the last four arguments; exits with a usage line if they are not there.
func Parse() Arguments {
	if len(os.Args) < 5 {
		fmt.Fprintln(os.Stderr, "usage: DRIVER DIR OUTSTANDING BYTES MILLISECONDS")
		os.Exit(2)
	}
	last := os.Args[len(os.Args)-4:]
	number := func(text string) int {
		n, err := strconv.Atoi(text)
		Check(err)
		return n
	}
	measured := time.Duration(number(last[3])) * time.Millisecond
	return Arguments{Dir: last[0], Outstanding: number(last[1]), Bytes: number(last[2]), Measured: measured}
}

// Check ends the driver on an error: a benchmark that failed has no figures.
func Check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// Payload is the record every driver appends.
func (a Arguments) Payload() []byte {
	payload := make([]byte, a.Bytes)
	for i := range payload {
		payload[i] = 'x'
	}
	return payload
}

// OwnCPU is what this process used so far, all threads, user and system.
func OwnCPU() time.Duration {
	var usage syscall.Rusage
	Check(syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// Window is the part of a run that is measured: from the first acknowledgement after the warm-up, exclusive, to the
// first one after the measured time, inclusive, so that a whole number of groups lies in it. For one goroutine,
// except Open.
type Window struct {
	measured   time.Duration
	cpu        func() time.Duration
	warm       time.Time
	begin, end time.Time
	cpuUsed    time.Duration
	open       atomic.Bool
	messages   int
	latencies  []time.Duration
}

// NewWindow starts the warm-up; cpu is asked at both ends of the window.
func NewWindow(measured time.Duration, cpu func() time.Duration) *Window {
	return &Window{measured: measured, cpu: cpu, warm: time.Now().Add(measured / 2)}
}

// Acknowledged is told of every group at the moment its messages count as stored. It returns whether they do count,
// and the caller then adds their latencies.
func (w *Window) Acknowledged(now time.Time, messages int) bool {
	switch {
	case now.Before(w.warm) || w.Closed():
		return false
	case w.begin.IsZero():
		w.begin, w.cpuUsed = now, -w.cpu()
		w.open.Store(true)
		return false
	case now.Sub(w.begin) >= w.measured:
		w.end = now
		w.cpuUsed += w.cpu()
		w.open.Store(false)
	}
	w.messages += messages
	return true
}

// Open may be asked by any goroutine: is what is acknowledged now measured?
func (w *Window) Open() bool { return w.open.Load() }

// Closed says that everything is measured.
func (w *Window) Closed() bool { return !w.end.IsZero() }

// Add adds latencies.
func (w *Window) Add(latencies ...time.Duration) { w.latencies = append(w.latencies, latencies...) }

// Report prints the line of JSON.
func (w *Window) Report() {
	slices.Sort(w.latencies)
	quantile := func(fraction float64) any {
		if len(w.latencies) == 0 {
			return nil
		}
		index := min(int(fraction*float64(len(w.latencies))), len(w.latencies)-1)
		return float64(w.latencies[index].Nanoseconds()) / 1e3
	}
	Check(json.NewEncoder(os.Stdout).Encode(map[string]any{
		"messages":   w.messages,
		"seconds":    w.end.Sub(w.begin).Seconds(),
		"cpuSeconds": w.cpuUsed.Seconds(),
		"latencyUs":  map[string]any{"p10": quantile(0.1), "p50": quantile(0.5), "p99": quantile(0.99)},
	}))
}
