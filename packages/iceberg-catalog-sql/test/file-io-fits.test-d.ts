/** Compiled by `typecheck`: the two packages do not import each other, this keeps both sides honest. */
import type { ListableFileIO } from '@danube/iceberg';
import type { StoreFileIO } from '@danube/objectstore';

type Fits<Given extends Wanted, Wanted> = Given;

/** What `createFileIO` returns can be used wherever a `FileIO`, or one that lists, is asked for. */
export type StoreFitsIceberg = Fits<StoreFileIO, ListableFileIO>;

/** And has all of it: a method that one side gains is missed here. */
export type SameMethods = Fits<Record<keyof ListableFileIO, unknown>, Record<keyof StoreFileIO, unknown>>;
