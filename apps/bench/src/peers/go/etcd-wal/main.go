// etcd's write-ahead log, handed an ideal batch: one Save of OUTSTANDING entries, which encodes, checksums and syncs
// them (raft.MustSync holds for every Save that has entries). There is nobody to answer, so this is its upper limit.
package main

import (
	"path/filepath"
	"time"

	"go.etcd.io/etcd/server/v3/storage/wal"
	"go.etcd.io/raft/v3/raftpb"
	"go.uber.org/zap"

	"bench/peers/closedloop"
)

func main() {
	arguments := closedloop.Parse()
	w, err := wal.Create(zap.NewNop(), filepath.Join(arguments.Dir, "wal"), nil)
	closedloop.Check(err)
	payload := arguments.Payload()
	term, index := uint64(1), uint64(0)
	entries := make([]*raftpb.Entry, arguments.Outstanding)
	window := closedloop.NewWindow(arguments.Measured, closedloop.OwnCPU)
	for !window.Closed() {
		before := time.Now()
		for i := range entries {
			index++
			at := index
			entries[i] = &raftpb.Entry{Term: &term, Index: &at, Data: payload}
		}
		committed := index
		closedloop.Check(w.Save(&raftpb.HardState{Term: &term, Commit: &committed}, entries))
		now := time.Now()
		if window.Acknowledged(now, len(entries)) {
			window.Add(now.Sub(before))
		}
	}
	window.Report()
}
