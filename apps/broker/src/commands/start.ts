import { type Broker, startBroker } from '../broker.ts';
import type { BrokerSettings } from '../config/settings.ts';
import { createLogger } from '../log.ts';
import { type CommandFlags, settingsFromFlags } from './settings-from-flags.ts';
import { shutdownSignal } from './shutdown-signal.ts';
import { baseDirectory, programName, shellWord, shortPath, type Terminal } from './terminal.ts';

/**
 * Runs a broker until it is told to stop, then drains it.
 *
 * @returns the exit code: 0 after a clean stop, 1 when something could not be closed
 * @throws whatever kept the broker from starting
 */
export async function start(
  flags: CommandFlags,
  terminal: Terminal,
  environment = process.env,
): Promise<number> {
  // Before anything is opened, so that no signal can end a broker that holds something.
  const told = shutdownSignal(() => terminal.err('Stopped at once; what was acknowledged is in the log.\n'));
  const settings = settingsFromFlags(flags, environment);
  const logger = createLogger(settings.logLevel);
  const broker = await startBroker(settings, { logger });
  if (settings.adminAddress !== undefined)
    logger.warn('The admin address is reserved: nothing listens there in this version');
  const caller = {
    program: programName(environment),
    baseDir: baseDirectory(environment),
    configFile: flags.configFile,
  };
  for (const line of readyLines(broker, caller)) terminal.out(line);
  const signal = await told;
  logger.info({ signal }, 'Stopping: answering what is under way, committing what is pending');
  try {
    await broker.stop();
  } catch {
    return 1; // Already in the log, with its reason.
  }
  logger.info('Stopped');
  return 0;
}

/** How the broker was called: what a line to try must repeat to mean the same. */
export interface Caller {
  readonly program: string;
  /** Where relative paths start. */
  readonly baseDir: string;
  readonly configFile: string | undefined;
}

/** Where to connect, and three lines to try, each to be typed as printed. */
export function readyLines(
  broker: Pick<Broker, 'url' | 'httpUrl' | 'settings'>,
  { program, baseDir, configFile }: Caller,
): readonly string[] {
  const { url, httpUrl, settings } = broker;
  // The file may put the catalog elsewhere.
  const config = configFile === undefined ? '' : `--config-file ${shellWord(configFile)} `;
  const topic = '/default/orders';
  const sync = settings.storage.wal.sync;
  const durable =
    sync.kind === 'always'
      ? 'every acknowledgement means: on disk'
      : `sync mode ${sync.kind}: an acknowledged message can be lost in a power cut`;
  return [
    '',
    `Danube broker ready at ${url}  (${durable})`,
    `  data     ${shortPath(settings.dataDir, baseDir)}`,
    ...tableLines(settings.storage),
    `  metrics  ${httpUrl}/metrics  (health: /healthz, /readyz)`,
    '',
    'Try, in another terminal:',
    `  produce  ${program} produce ${topic} "hello" --url ${url}`,
    `  consume  ${program} consume ${topic} --url ${url}`,
    `  query    ${program} table ${topic} ${config}--data-dir ${shortPath(settings.dataDir, baseDir)}`,
    '',
    'Ctrl-C stops: it commits what is pending and ends.',
  ];
}

/** Where the tables are, if not with everything else in the data directory. */
function tableLines({ catalog, objectStore, warehouse }: BrokerSettings['storage']): readonly string[] {
  const lines = objectStore.kind === 's3' && warehouse !== undefined ? [`  tables   ${warehouse}`] : [];
  if (catalog.kind === 'sql') return lines;
  const inWarehouse = catalog.warehouse === undefined ? '' : `  (warehouse ${catalog.warehouse})`;
  return [`  catalog  ${catalog.uri}${inWarehouse}`, ...lines];
}
