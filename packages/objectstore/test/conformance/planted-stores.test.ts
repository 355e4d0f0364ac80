import { expect, test } from 'vitest';
import { createMemoryObjectStore } from '../../src/index.ts';
import { objectStoreConformance } from '../../src/testing.ts';
import * as removals from './planted/deletes-and-copies.ts';
import * as lists from './planted/lists.ts';
import * as others from './planted/others.ts';
import { type PlantedBug, plant } from './planted/plant.ts';
import * as conditions from './planted/put-conditions.ts';
import * as bodies from './planted/put-streams.ts';
import * as puts from './planted/puts.ts';
import * as reads from './planted/reads.ts';
import * as streams from './planted/streams.ts';

/*
 * Goal: the conformance suite can fail. Method: for each bug a store might have, the memory store with that bug is
 * put to the case that is meant to notice it. The honest store passes all cases (stores.test.ts, and below through
 * the same wrapper).
 */
const { capabilities } = createMemoryObjectStore();
const cases = objectStoreConformance(capabilities, { multipartBytes: 96 * 1024, manyKeys: 1001 });

const decoded = (key: string) => (/%[0-9a-f]{2}/i.test(key) ? key.replaceAll('%2F', '/') : key);

test.each<[bug: string, planted: PlantedBug, noticedBy: string]>([
  ['replaces with ifAbsent', conditions.replacesWithIfAbsent, 'put with ifAbsent leaves'],
  ['looks before it puts', conditions.looksBeforePut, '12 simultaneous ifAbsent puts of one key'],
  ['looks before it puts streams', conditions.looksBeforePut, '12 simultaneous ifAbsent puts of streams'],
  [
    'looks before it puts what is large',
    conditions.looksBeforeLargePut,
    '4 simultaneous ifAbsent puts of large',
  ],
  ['compares before it puts', conditions.comparesBeforePut, '8 writers that count'],
  ['lets several win with ifMatch', conditions.comparesBeforePut, 'of 8 simultaneous puts with ifMatch'],
  ['ignores ifMatch', conditions.ignoresIfMatch, 'put with ifMatch replaces'],
  ['ignores ifMatch of streams', conditions.ignoresIfMatch, 'streams, also large ones, are put with ifMatch'],
  ['creates with ifMatch', conditions.createsWithIfMatch, 'put with ifMatch of what is absent'],
  ['says NOT_FOUND with ifMatch', conditions.saysNotFoundWithIfMatch, 'put with ifMatch of what is absent'],
  ['takes one of two conditions', conditions.prefersIfAbsent, 'ifAbsent and ifMatch together'],
  ['takes * for any version', conditions.takesStarForAny, 'what HTTP takes for any version'],
  [
    'passes over unknown options',
    conditions.passesOverUnknownOptions,
    'an option that a method does not know',
  ],
  ['says a wrong etag', puts.saysWrongEtag, 'what put says of size and etag'],
  ['has etags of the size', puts.weakEtags, '60 versions of one size'],
  ['shows parts of a stream', bodies.showsParts, 'until a stream has ended'],
  ['removes before it puts', puts.removesFirst, 'until a stream has ended'],
  ['keeps what came of a failed stream', bodies.keepsWhatCame, 'a stream that fails midway leaves nothing'],
  ['clears for a stream that fails', puts.removesFirst, 'a stream that fails midway leaves the object'],
  ['loses the cause', puts.losesTheCause, 'a stream that fails midway leaves nothing'],
  ['keeps chunks by reference', bodies.keepsChunks, 'a source may use its buffer anew'],
  ['ends at an empty chunk', bodies.endsAtEmptyChunks, 'a stream of many small and empty chunks'],
  ['never ends a source', bodies.neverEndsSources, 'a stream of something else than bytes'],
  ['opens a source twice', bodies.opensSourcesTwice, 'a source is opened once'],
  ['reads a stream again', bodies.readsStreamsAgain, 'a Node.js stream that was read before'],
  ['swaps parts', bodies.swapsParts, 'a large stream comes back'],
  ['loses the last part', puts.losesTheLastPart, 'a large body given whole'],
  [
    'loses attributes of what is large',
    puts.losesAttributesOfLargeBodies,
    'streams, also large ones, are put with content',
  ],
  ['keeps old attributes', puts.keepsOldAttributes, 'an object put without content type'],
  ['loses empty metadata', puts.losesEmptyMetadata, 'a metadata value may be empty'],
  ['says aborted when done', bodies.saysAbortedWhenDone, 'a put that is aborted at any moment'],
  ['goes on when aborted', bodies.goesOnWhenAborted, 'a put that is aborted at any moment'],
  ['takes aborts for failures', bodies.takesAbortsForFailures, 'a source that fails of the same signal'],
  ['includes the end of a range', reads.takesEndsForIncluded, 'get: ranges give their bytes'],
  ['includes the end of a streamed range', reads.takesEndsForIncluded, 'getStream: ranges give their bytes'],
  ['refuses empty ranges', reads.refusesEmptyRanges, 'get: an empty object has its empty ranges'],
  ['gives nothing behind the end', reads.givesNothingBehindTheEnd, 'get: a range that starts behind'],
  ['passes over misspelt bounds', reads.passesOverUnknownBounds, 'get: a range with a misspelt bound'],
  ['says the size of the part', reads.saysSizeOfPart, 'get says what head says'],
  ['says the range asked for', reads.saysRangeAskedFor, 'get: ranges give their bytes'],
  ['shares bytes', reads.sharesBytes, 'bytes are the reader'],
  ['shares what it says', reads.sharesMeta, 'what is said of an object cannot be changed'],
  ['shares bytes of streams', streams.streamsSharedMemory, 'bytes of a stream are the reader'],
  ['ignores ifMatch of get', reads.ignoresConditions, 'get with ifMatch reads'],
  ['ignores ifMatch of getStream', reads.ignoresConditions, 'getStream with ifMatch reads'],
  ['ignores ifNoneMatch', reads.ignoresConditions, 'get with ifNoneMatch reads'],
  ['ignores conditions of ranges', reads.ignoresConditionsOfRanges, 'getStream with a condition and a range'],
  ['mixes up the codes of conditions', reads.saysPreconditionForNotModified, 'get with ifNoneMatch reads'],
  [
    'calls what is absent another version',
    reads.saysPreconditionForAbsent,
    'get with a condition on what is absent',
  ],
  ['reads in halves', streams.readsInHalves, 'get during replacing puts'],
  ['streams by name', streams.streamsByName, 'getStream during replacing puts'],
  ['streams by name what is deleted', streams.streamsByName, 'a stream stays with its version'],
  ['copies in halves', streams.copiesInHalves, 'copy during replacing puts'],
  ['ends streams early', streams.endsStreamsEarly, 'a stream yields Buffers'],
  ['streams text', streams.streamsText, 'a stream yields Buffers'],
  ['opens streams late', streams.opensStreamsLate, 'what is absent is NOT_FOUND'],
  ['streams on when aborted', streams.streamsOnWhenAborted, 'a signal that fires in the middle of a stream'],
  ['holds what is left early', streams.leaksStreams, 'streams that are left early'],
  ['sorts as text', lists.sortsAsText, 'the order is that of the keys in UTF-8'],
  ['loses the last of a page', lists.losesTheLastOfAPage, 'no page has more entries'],
  ['lists the first page', lists.listsFirstPage, '1001 objects come in more than one page'],
  ['ignores the page size', lists.ignoresPageSize, 'no page has more entries'],
  ['pages by position', lists.pagesByPosition, 'deleting what was listed'],
  ['pages by position what changes', lists.pagesByPosition, 'what is there from the first page to the last'],
  ['starts at the start', lists.startsAtTheStart, 'a listing starts behind'],
  ['starts at objects only', lists.startsOnlyAtObjects, 'a listing starts behind'],
  ['compares names of groups', lists.comparesGroupNames, 'a delimiter and a start'],
  ['groups page by page', lists.groupsByPage, 'groups with large content'],
  ['counts groups apart', lists.countsGroupsApart, 'objects and groups count together'],
  ['loses the slash of groups', lists.losesGroupsSlash, 'a delimiter groups'],
  ['lists whole segments', lists.listsWholeSegments, 'a prefix is text'],
  ['lists other times than head', lists.listsSeconds, 'a listing says of an object what head says'],
  ['fails to delete what is absent', removals.failsToDeleteAbsent, 'delete removes one object'],
  ['deletes below', removals.deletesBelow, 'deleteMany takes a key twice'],
  ['deletes the first thousand', removals.deletesFirstThousand, 'deleteMany of 2,500 keys'],
  ['deletes nothing for one bad key', removals.rejectsForOneKey, 'deleteMany gives back'],
  ['reorders failures', removals.reordersFailures, 'deleteMany gives back'],
  ['says nothing of failures', removals.saysNothingOfFailures, 'deleteMany gives back'],
  ['tells once of a key that fails', removals.tellsOnceOfFailures, 'deleteMany gives back'],
  ['takes a text for keys', removals.takesTextForKeys, 'deleteMany of what is no array'],
  ['loses attributes at copy', removals.losesAttributesAtCopy, 'a copy has the content type'],
  ['keeps attributes at copy', removals.keepsAttributesAtCopy, 'a copy has the content type'],
  ['says the wrong etag at copy', removals.saysSourceEtagAtCopy, 'copy makes the same object'],
  ['moves at copy', removals.movesAtCopy, 'copy makes the same object'],
  ['leaves targets at copy', removals.leavesTargetsAtCopy, 'a copy replaces what is there'],
  ['clears targets at copy', removals.clearsTargetsAtCopy, 'a copy of what is absent'],
  ['loses an object copied onto itself', removals.clearsTargetsAtCopy, 'an object copied onto itself'],
  ['refuses a copy onto itself', removals.refusesCopyOntoItself, 'an object copied onto itself'],
  ['decodes percent signs', others.naming(decoded), 'unusual keys do not get into'],
  [
    'takes plus for a space',
    others.naming((key) => key.replaceAll('+', ' ')),
    'unusual keys are taken literally',
  ],
  [
    'composes characters',
    others.naming((key) => key.normalize?.('NFC') ?? key),
    'unusual keys are taken literally',
  ],
  [
    'mends line ends',
    others.naming((key) => key.replaceAll?.('\r', '\n') ?? key),
    'tabs, carriage returns and other',
  ],
  ['trims keys', others.naming((key) => key.trim?.() ?? key), 'unusual keys are taken literally'],
  ['shortens long keys', others.naming((key) => key.slice?.(0, 500) ?? key), 'the longest key works'],
  [
    'takes a backslash for a slash',
    others.naming((key) => key.replaceAll?.('\\', '/') ?? key),
    'what is no key',
  ],
  ['ignores signals', others.ignoresSignals, 'a signal that has fired already: every method'],
  ['ignores signals of listings', others.ignoresSignalsOfListings, 'a signal that fires between two pages'],
  ['loses reasons', others.losesReasons, 'a signal that has fired already: every method'],
  ['works after close', others.worksAfterClose, 'after close every method is CLOSED'],
  ['closes once', others.closesOnce, 'close may be called again'],
  ['breaks at close', others.breaksAtClose, 'a stream and a listing that are under way'],
  ['declares other capabilities', others.declaresTooMuch, 'the store declares the capabilities'],
])('a store that %s is noticed', async (_, planted, noticedBy) => {
  const found = cases.filter(({ name }) => name.startsWith(noticedBy));
  expect(found).toHaveLength(1);
  const outcome: unknown = await found[0]!.run(plant(planted)).then(
    () => 'not noticed',
    (error: unknown) => error,
  );
  expect(outcome).toBeInstanceOf(Error);
  // Noticed by what the case says, not by a slip in the bug itself.
  expect([(outcome as Error).name, ((outcome as Error).cause as Error | undefined)?.name]).toEqual(
    expect.arrayContaining([expect.stringMatching(/^(AssertionError|ObjectStoreError)$/)]),
  );
});

test('what the bugs are planted with is no bug itself', async () => {
  for (const { name, run } of cases) {
    await expect(run(plant(() => ({}))), name).resolves.toBeUndefined();
  }
});
