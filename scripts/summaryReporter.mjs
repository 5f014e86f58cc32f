// One plain line at the very end of a test run, for machines and for people who scroll down.
export default class SummaryReporter {
  onTestRunEnd(modules) {
    const counts = { passed: 0, failed: 0, skipped: 0 };
    for (const module of modules) {
      for (const test of module.children.allTests()) counts[test.result().state] = (counts[test.result().state] ?? 0) + 1;
      // A file that could not even be loaded has no tests.
      if (module.errors().length > 0) counts.failed++;
    }
    // After vitest's own summary, which is printed in the same event.
    setImmediate(() => console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`));
  }
}
