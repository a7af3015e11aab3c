/** Personal text as an event carries it: encrypted with the case's key (DESIGN section 5). */
export type Sealed = { readonly sealed: string };

/** A value that an attribute of a case may have. */
export type AttributeValue = string | number | boolean;

/** The idempotency key of a command that is no task: keyed hashes of the key and of what was asked. */
export type CommandKey = { readonly keyHash: string; readonly requestHash: string };

/** An event: its type and what it carries. */
export type Event<Type extends string, Data> = { readonly type: Type; readonly data: Readonly<Data> };
