import fc from 'fast-check';

// Shrinking a failure over bigints can take minutes: better a large counterexample now than a small one never.
fc.configureGlobal({ interruptAfterTimeLimit: 20_000, markInterruptAsFailure: true });
