import { runStub } from './stub.ts';

/** A backend that always succeeds. */
runStub({ ok: true }, '');
