/** What `cutover --help` says. */
export const helpText = `Rehearse a zero-downtime schema migration before anyone runs it.

Usage
  cutover rehearse PLAN…       every history of the plan, forward and back
  cutover check PLAN…          parse and validate only
  cutover replay PLAN FINDING  one finding's trace, statement by statement
  cutover PLAN…                the same as rehearse

Options
  --format text|json   text for people (default), or JSON on standard output
  --max-states N       stop after so many states
  --timeout S          stop after so many seconds
  --seed N             seed of random() and uuids in the rehearsal
  -h, --help           this text
  -v, --version        the version

Exit code
  0  safe      every history was explored, and no client can tell
  1  unsafe    a history fails a request, loses a write, or breaks a rollback
  2  invalid   the plan or the command line is wrong
  3  unproven  the search was cut before it was done

Plans are *.cutover.yaml files. A rehearsal runs in this process and touches no database of yours.
NO_COLOR turns colour off. Ctrl-C ends a rehearsal and prints what it found so far.
`;
