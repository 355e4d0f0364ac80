import { Command, CommanderError } from 'commander';
import { consume } from './commands/consume.ts';
import { demo } from './commands/demo.ts';
import { count } from './commands/flag-values.ts';
import { produce } from './commands/produce.ts';
import { start } from './commands/start.ts';
import { table } from './commands/table.ts';
import { programName, type Terminal } from './commands/terminal.ts';
import { BrokerError, messageOf } from './errors.ts';

/**
 * Runs one command line and resolves with the exit code. What keeps a command from starting is one line on
 * stderr and 1; `--help` is 0.
 *
 * @param args without the program's own name
 */
export async function runCommandLine(args: readonly string[], terminal: Terminal): Promise<number> {
  let exitCode = 0;
  const program = createProgram(terminal, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode; // Commander has said why.
    throw error;
  }
  return exitCode;
}

function createProgram(terminal: Terminal, exit: (code: number) => void): Command {
  const program = new Command(programName(process.env))
    .description('Danube broker whose reliable topics are Apache Iceberg tables')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.out(text.trimEnd()),
      writeErr: (text) => terminal.err(text),
    });
  const run =
    <Arguments extends unknown[]>(work: (...args: Arguments) => Promise<number>) =>
    async (...args: Arguments): Promise<void> => {
      try {
        exit(await work(...args));
      } catch (error) {
        terminal.err(`${BrokerError.is(error) ? error.sentence : messageOf(error)}\n`);
        exit(1);
      }
    };
  const shared = (command: Command) =>
    command
      .option('--config-file <file>', 'YAML configuration; flags win over it')
      .option('--data-dir <dir>', 'where everything is kept (default: ./danube-data)');

  shared(
    program
      .command('start', { isDefault: true })
      .description('run a broker until Ctrl-C (the default command)'),
  )
    .option(
      '--broker-addr <host:port>',
      'where clients connect; port 0 takes a free one (default: 127.0.0.1:6650)',
    )
    .option('--admin-addr <host:port>', 'reserved for the admin service; nothing listens there yet')
    .option('--prom-exporter <host:port>', 'HTTP address of metrics and health (default: 127.0.0.1:9040)')
    .option('--advertised-addr <host:port>', 'address told to clients instead of --broker-addr')
    .option('--insecure', 'allow addresses other machines can reach, without authentication')
    // Being the default, `start` also gets what was meant to be the name of a command.
    .argument('[nothing...]')
    .usage('[options]')
    .action(
      run(async (words: string[], flags) => {
        if (words.length === 0) return start(flags, terminal);
        const known = program.commands.map((command) => command.name()).join(', ');
        throw new BrokerError('CONFIG_INVALID', `There is no command ${words[0]}; there is ${known}.`);
      }),
    );

  program
    .command('demo')
    .description('start a broker, publish and consume a small stream, query its table, stop')
    .option('--data-dir <dir>', 'where everything is kept (default: a fresh directory)')
    .option('--messages <n>', 'how many messages', count, 10_000)
    .option('--json', 'end with one line of JSON')
    .action(run((flags) => demo(flags, terminal)));

  shared(
    program
      .command('table')
      .description('print how to query a topic in DuckDB and PyIceberg')
      .argument('<topic>', '/namespace/topic'),
  ).action(run((topic: string, flags) => table(topic, flags, terminal)));

  program
    .command('produce')
    .description('publish messages to a reliable topic, creating it when needed')
    .argument('<topic>', '/namespace/topic')
    .argument('[text...]', 'one message each; without any, one message a line of stdin')
    .option('--url <url>', 'broker', 'http://127.0.0.1:6650')
    .action(run((topic: string, texts: string[], flags) => produce(topic, texts, flags, terminal)));

  program
    .command('consume')
    .description('print the messages of a topic from now on, until Ctrl-C')
    .argument('<topic>', '/namespace/topic')
    .option('--url <url>', 'broker', 'http://127.0.0.1:6650')
    .option('--subscription <name>', 'goes on where this subscription stopped', 'console')
    .option('--count <n>', 'stop after this many messages', count)
    .action(run((topic: string, flags) => consume(topic, flags, terminal)));
  return program;
}
