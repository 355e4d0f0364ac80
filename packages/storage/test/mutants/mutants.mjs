// Planted bugs, each with the tests that must fail under it: [file in src, text, replacement]. Run: node test/mutants/run.mjs [name…]
const B = 'commit-builder.ts',
  C = 'table-committer.ts',
  L = 'ledger-case.ts',
  O = 'topic-opening.ts',
  S = 'commit-submitter.ts',
  T = 'table-state.ts';
export default {
  'h1-blind-rebase': {
    tests: ['test/h1.'],
    edits: [
      [B, 'kept.first === first && filesFit', 'filesFit'],
      [S, "verdict.kind === 'ok' && this.#covers(loaded, verdict.ledger, part, attempt.base)", 'false'],
    ],
  },
  'h1-no-tag': { tests: ['test/h1.'], edits: [[B, 'tags: [LEDGER_TAG]', 'tags: []']] },
  'h1-new-request-on-unknown': {
    tests: ['test/h1.'],
    edits: [[S, "? 'resend' : 'rebuild'", "? 'rebuild' : 'rebuild'"]],
  },
  'h2-restart-ignores-through': {
    tests: ['test/h2', 'test/h3'],
    edits: [
      [
        T,
        'topic.confirmed = Math.max(topic.confirmed, ledger.through);',
        'if (ledger.epoch === epoch) topic.confirmed = Math.max(topic.confirmed, ledger.through);',
      ],
    ],
  },
  'h2-believes-the-refusal': {
    tests: ['test/h2'],
    edits: [
      [S, "if (outcome === 'settled' || outcome === 'rebuild') return;", 'return;'],
      [S, 'loaded ??= await table.load();', 'loaded ??= attempt.base;'],
    ],
  },
  'h4-no-copy-rule': { tests: ['test/h4'], edits: [[L, '!log.sent.has(ledger.snapshotId)', 'false']] },
  'h4-no-epoch-rule': { tests: ['test/h4'], edits: [[L, 'ledger.epoch > log.epoch', 'false']] },
  'h4-no-owner-check': {
    tests: ['test/h4'],
    edits: [
      [L, 'ledger.logId !== log.logId', 'false'],
      [L, 'ledger.topicId !== log.topicId', 'false'],
    ],
  },
  'h5-marker-in-current-snapshot-only': {
    tests: ['test/h5'],
    edits: [['ledger.ts', "if (snapshot === undefined) return 'ended';", "return 'passed';"]],
  },
  'h5-absent-means-expired-fine': {
    tests: ['test/h5'],
    edits: [[L, 'table.rowAtThrough === true) return undefined;', 'true) return undefined;']],
  },
  'h6-forgets-what-it-sent': {
    tests: ['test/h6'],
    edits: [
      [
        B,
        'topic.sent.add(snapshotId);',
        'topic.sent.add(snapshotId); if (prepared !== undefined) { topic.confirmed = through; this.#context.confirmed(topic); }',
      ],
    ],
  },
  'h6-no-sync-before-commit': { tests: ['test/h6'], edits: [[B, 'await this.#context.wal.sync();', '']] },
  'h6-deletes-files-on-error': {
    tests: ['test/h6'],
    edits: [
      [
        S,
        '        table.failed(error, backoff.count);\n      }\n      for (;;) {',
        '        table.failed(error, backoff.count);\n        for (const part of attempt.parts) for (const f of part.prepared?.files ?? []) await table.io.deleteFile(f.filePath);\n      }\n      for (;;) {',
      ],
    ],
  },
  'h7-new-log-claims-at-zero': {
    tests: ['test/h7'],
    edits: [
      [
        L,
        "return holds ? stop('FENCED', message, pending) : stop('OWNED_ELSEWHERE', message);",
        "return holds ? stop('FENCED', message, pending) : { kind: 'claim', previous: undefined };",
      ],
    ],
  },
  'h7-next-from-the-log-only': {
    tests: ['test/h7'],
    edits: [[T, 'if (ledger.through >= topic.next) {', 'if (false) {']],
  },
  'h9-one-commit-is-all': {
    tests: ['test/h9'],
    edits: [[B, 'through: prepared.last, prepared });', 'through: last, prepared });']],
  },
  'h10-no-uuid': {
    tests: ['test/h10'],
    edits: [
      [L, 'log.tableUuid !== table.tableUuid', 'false'],
      [O, 'if (this.#topic.claimed) {', 'if (false) {'],
    ],
  },
  'h10-no-lineage': {
    tests: ['test/h10'],
    edits: [
      [
        L,
        'const rolledBack = judgeLineage(table, ledger);',
        'const rolledBack = undefined as ReturnType<typeof judgeLineage>;',
      ],
    ],
  },
  'h10-no-confirmed-check': {
    tests: ['test/h10'],
    edits: [[L, 'if (ledger.through < log.confirmed)', 'if (false)']],
  },
  'h10-lost-ledger-is-new': {
    tests: ['test/h10'],
    edits: [
      [L, "if (holds) return stop('LEDGER_LOST'", "if (false) return stop('LEDGER_LOST'"],
      [T, "else if (verdict.kind === 'claim')", 'else if (false)'],
    ],
  },
  'h11-budget-covers-waiting': {
    tests: ['test/h11'],
    edits: [
      [
        C,
        'const attempt = await pacer.run(() => this.#build(ready), closing);\n      if (attempt !== undefined) await this.#submitter.submit(attempt, closing);',
        'await pacer.run(async () => { const attempt = await this.#build(ready); if (attempt !== undefined) await this.#submitter.submit(attempt, closing); }, closing);',
      ],
    ],
  },
  'delete-takes-appends': {
    tests: ['test/topic-lifecycle'],
    edits: [['iceberg-storage.ts', 'log?.refuse(true);', '']],
  },
  'delete-forgets-unopened': {
    tests: ['test/topic-lifecycle'],
    edits: [['iceberg-storage.ts', 'dropTable ? undefined : await this.#openPending(topic)', 'undefined']],
  },
  'delete-races-open': {
    tests: ['test/topic-lifecycle'],
    edits: [
      ['iceberg-storage.ts', 'const deleting = this.#deleting.get(name);', 'const deleting = undefined;'],
    ],
  },
  'reopen-takes-appends': {
    tests: ['test/topic-lifecycle'],
    edits: [['topic-log.ts', 'this.#refusing || topic.opening', 'this.#refusing']],
  },
  'reopen-without-catalog': {
    tests: ['test/topic-lifecycle'],
    edits: [['iceberg-storage.ts', '(!topic.claimed || stopped)', '!topic.claimed']],
  },
  'lost-tail-in-index': {
    tests: ['test/topic-lifecycle'],
    edits: [[T, 'topic.index.skipTo(ledger.through);', '']],
  },
  'lost-tail-is-a-gap': {
    tests: ['test/topic-lifecycle'],
    edits: [['wal-replay.ts', 'topic.index.skipTo(line.confirmed);', '{}']],
  },
  'truncates-past-unwritten-line': {
    tests: ['test/topic-lifecycle'],
    edits: [['wal-truncation.ts', 'topic.recordedNext <= topic.index.last', 'false']],
  },
  'stretch-spans-commits': {
    tests: ['test/accounting'],
    edits: [['topic-index.ts', 'this.#cut = true;', '']],
  },
  'pacer-waits-for-the-old-clock': {
    tests: ['test/accounting'],
    edits: [['pacing.ts', 'now + 250 + 1000 / this.#budget.perSecond', 'Number.POSITIVE_INFINITY']],
  },
  'age-waits-for-the-old-clock': {
    tests: ['test/accounting'],
    edits: [
      [
        'topic-log.ts',
        'arrivedMs = options.now();',
        'arrivedMs = Math.max(options.now(), topic.lastAppendTimeMs);',
      ],
      [C, ' || age < 0', ''],
    ],
  },
  'reader-trusts-its-last-state': {
    tests: ['test/foreign-compaction'],
    edits: [
      [
        'topic-reader.ts',
        'if (table.loaded === topic.loaded?.table) await unlessAborted(access.reload(), signal);',
        '',
      ],
    ],
  },
  'first-counts-what-is-under-way': {
    tests: ['src/topic-state'],
    edits: [['topic-state.ts', 'this.index.first ?? this.acked + 1', 'this.index.first ?? this.next']],
  },
  'commits-unsynced': {
    tests: ['test/crash/unsynced-tail'],
    edits: [[B, '    await this.#context.wal.sync();\n', '']],
  },
  'truncates-too-much': {
    tests: ['test/crash/power-loss'],
    edits: [
      [
        'wal-truncation.ts',
        'topic.index.lowestWalOffsetAbove(topic.confirmed)',
        'topic.index.lowestWalOffsetAbove(topic.acked - 2)',
      ],
    ],
  },
  'creation-without-reply-is-a-failure': {
    tests: ['test/creation-without-reply'],
    edits: [[O, " || IcebergError.is(error, 'COMMIT_STATE_UNKNOWN')", '']],
  },
  'claims-a-table-as-it-is': {
    tests: ['test/creation-without-reply'],
    edits: [[O, 'checkTable(loaded.metadata, table.name, topic.name);', '']],
  },
  'one-miss-is-gone': {
    tests: ['test/commit-replies'],
    edits: [[T, 'if (!saysMissing(error)) throw error;', 'throw error;']],
  },
  'commit-not-found-is-gone': {
    tests: ['test/commit-replies'],
    edits: [
      [
        S,
        'table.failed(error, backoff.count);',
        'if (saysMissing(error)) return table.gone(attempt.parts.map((part) => part.topic)); table.failed(error, backoff.count);',
      ],
    ],
  },
  'resends-a-request-too-old': {
    tests: ['test/base-without-refs-moved'],
    edits: [[S, ' && base.metadataLocation === loaded.metadataLocation', '']],
  },
};
