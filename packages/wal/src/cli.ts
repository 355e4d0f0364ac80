#!/usr/bin/env node
import { parseArgs } from 'node:util';
import { type WalDamage, WalError, type WalGap } from './errors.ts';
import { inspectWal, type WalInspection } from './inspection.ts';
import { type RepairReport, repairWal } from './repair.ts';

/** How the command ended, for scripts. */
const EXIT = { sound: 0, damage: 1, usage: 2, unreadable: 3 } as const;

const USAGE = `danube-wal inspect DIR [--json]           what is in a log
danube-wal verify DIR [--json]            what is wrong with it
danube-wal repair DIR [--json] [--apply]  what a repair would do; with --apply do it

inspect and verify change nothing and may run beside the program that writes the log.
repair --apply needs the log closed. It keeps every file it replaces beside it (*.damaged-N).

Exit code: 0 sound, 1 damage (or something to repair), 2 wrong usage, 3 the log could not be read.
`;

interface Answer {
  readonly exit: number;
  readonly text: string;
  readonly data: unknown;
}

async function main(args: readonly string[]): Promise<number> {
  // Whoever reads may stop reading, as `head` does: that is no failure, and the exit code still counts.
  process.stdout.on('error', () => undefined);
  const parsed = parse(args);
  if (parsed === 'help') {
    process.stdout.write(USAGE);
    return EXIT.sound;
  }
  if (typeof parsed === 'string') {
    process.stderr.write(`danube-wal: ${parsed}\n\n${USAGE}`);
    return EXIT.usage;
  }
  const { json } = parsed;
  try {
    const { exit, text, data } = await parsed.run();
    process.stdout.write(json ? `${JSON.stringify(data, undefined, 2)}\n` : text);
    return exit;
  } catch (error) {
    process.stderr.write(`danube-wal: ${sentence(error)}\n`);
    if (json) {
      const { code, context } = error as Partial<WalError>;
      process.stdout.write(
        `${JSON.stringify({ error: { code, message: sentence(error), context } }, undefined, 2)}\n`,
      );
    }
    // What a repair refuses to guess is damage; the rest could not be looked at.
    return WalError.is(error) && error.code === 'WAL_CORRUPT' ? EXIT.damage : EXIT.unreadable;
  }
}

/** The message without its code, on one line. */
function sentence(error: unknown): string {
  return (error as Error).message.replace(/^WAL_\w+: /, '').replaceAll(/\s+/g, ' ');
}

interface Parsed {
  readonly json: boolean;
  readonly run: () => Promise<Answer>;
}

/** What to run, or `'help'`, or what is wrong with the arguments. */
function parse(args: readonly string[]): Parsed | string {
  const options = {
    json: { type: 'boolean', default: false },
    apply: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  } as const;
  let parsed: ReturnType<typeof parseArgs<{ options: typeof options; allowPositionals: true }>>;
  try {
    parsed = parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (error) {
    return (error as Error).message.split('\n')[0]!;
  }
  const { json, apply, help } = parsed.values;
  const [command = '', dir = '', ...more] = parsed.positionals;
  if (help) return 'help';
  const run = {
    inspect: async () => {
      const inspection = await inspectWal(dir);
      return { exit: exitOf(inspection), text: describe(inspection), data: inspection };
    },
    verify: async () => {
      const inspection = await inspectWal(dir);
      const { verdict, damage, tornTail, gaps } = inspection;
      return {
        exit: exitOf(inspection),
        text: findings(inspection),
        data: { verdict, damage, tornTail, gaps },
      };
    },
    repair: async () => {
      const report = await repairWal(dir, { apply });
      return {
        exit: report.needed && !report.applied ? EXIT.damage : EXIT.sound,
        text: describeRepair(report),
        data: report,
      };
    },
  }[command];
  if (!run) return command === '' ? 'a command is missing' : `there is no command ${command}`;
  if (dir === '') return `${command} needs the directory of a log`;
  if (more.length > 0) return `${command} takes one directory`;
  if (apply && command !== 'repair') return `${command} changes nothing; --apply goes with repair`;
  return { json, run };
}

function exitOf({ verdict }: WalInspection): number {
  if (verdict === 'damaged') return EXIT.damage;
  return verdict === 'changed' ? EXIT.unreadable : EXIT.sound;
}

function describe(inspection: WalInspection): string {
  const { dir, logId, epoch, closedProperly, firstOffset, nextOffset, durableUpTo } = inspection;
  const { segments, recordsByType, keptAside } = inspection;
  const facts = [
    ['log', dir],
    ['id', logId ?? 'unknown'],
    ['epoch', epoch ?? 'unknown: no readable state file'],
    ['state', closedProperly ? 'closed properly' : 'open, or not closed properly'],
    [
      'offsets',
      firstOffset === nextOffset ? `none, the next is ${nextOffset}` : `${firstOffset} to ${nextOffset - 1}`,
    ],
    ['known durable', durableUpTo === 0 ? 'none' : `to ${durableUpTo - 1}`],
  ];
  const header = ['segment', 'offsets', 'records', 'frames', 'bytes', 'first record', 'last record'];
  const rows = segments.map((segment) => {
    const { firstOffset: first, nextOffset: next } = segment;
    const offsets = !segment.readable ? 'unreadable' : first === next ? '-' : `${first} to ${next - 1}`;
    const { records, frames, bytes, firstRecordMs, lastRecordMs } = segment;
    return [segment.file, offsets, records, frames, bytes, time(firstRecordMs), time(lastRecordMs)].map(
      String,
    );
  });
  const types = Object.entries(recordsByType).map(([type, count]) => `type ${type}: ${count}`);
  return [
    table(facts.map((fact) => fact.map(String))),
    '\n',
    table([header, ...rows]),
    types.length > 0 ? `\nrecords of ${types.join(', ')}\n` : '',
    keptAside.length > 0 ? `\nkept aside:\n${keptAside.map((name) => `  ${name}\n`).join('')}` : '',
    '\n',
    findings(inspection),
  ].join('');
}

function findings({ verdict, damage, tornTail, gaps, changedMeanwhile }: WalInspection): string {
  const lines = gaps.map((gap) => `gap: ${offsets(gap)} lost, given up by an earlier repair`);
  if (verdict === 'changed') lines.push('the log changed while it was read; run again');
  else if (verdict === 'torn') {
    lines.push('torn tail (would be cut at the next opening, nothing acknowledged as durable is lost):');
    lines.push(damaged(tornTail!));
  } else if (verdict === 'damaged') {
    lines.push(`damaged, ${damage.length === 1 ? 'in one place' : `in ${damage.length} places`}:`);
    lines.push(...damage.map(damaged));
  } else lines.push(changedMeanwhile ? 'sound (it is being written)' : 'sound');
  return `${lines.join('\n')}\n`;
}

function damaged({
  file,
  startByte,
  endByteExclusive,
  firstOffset,
  resumesAtOffset,
  reason,
}: WalDamage): string {
  const bytes =
    startByte === endByteExclusive ? `at byte ${startByte}` : `bytes ${startByte} to ${endByteExclusive - 1}`;
  const from = firstOffset === undefined ? '' : `, from offset ${firstOffset}`;
  const to = resumesAtOffset === undefined ? '' : `, readable again at ${resumesAtOffset}`;
  return `  ${file} ${bytes}${from}${to}: ${reason}`;
}

function describeRepair({ needed, applied, actions, gaps, rebuiltEpoch, damage }: RepairReport): string {
  if (!needed) return 'nothing to repair: the log opens as it is\n';
  const lines = [...damage.map(damaged), applied ? 'repaired:' : 'a repair would:'];
  for (const { action, file, keptIn, reason, gaps: lost } of actions) {
    const kept = keptIn === undefined ? '' : `, keeping what is there as ${keptIn}`;
    const gone = lost.map((gap) => `, giving up ${offsets(gap)}`).join('');
    lines.push(`  ${action} ${file} (${reason})${kept}${gone}`);
  }
  if (rebuiltEpoch !== undefined)
    lines.push(
      `  the new state file says epoch ${rebuiltEpoch}, far above every one seen, so that none is given twice`,
    );
  lines.push(
    gaps.length === 0
      ? 'no record is lost'
      : `lost: ${gaps.map(offsets).join(', ')}; reading there reports the gap, nothing else moves`,
  );
  if (!applied) lines.push('nothing was changed; --apply does it');
  return `${lines.join('\n')}\n`;
}

function offsets({ firstOffset, nextOffset }: WalGap): string {
  const count = nextOffset - firstOffset;
  return count === 1 ? `offset ${firstOffset}` : `offsets ${firstOffset} to ${nextOffset - 1} (${count})`;
}

function time(ms: number | undefined): string {
  // A clock may have said anything; a date holds less.
  return ms === undefined || ms > 8.64e15 ? '-' : new Date(ms).toISOString();
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows
    .map(
      (row) =>
        `${row
          .map((cell, column) => cell.padEnd(widths[column]!))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}

process.exitCode = await main(process.argv.slice(2));
