/** What `cutover --help` says. */
export const helpText = `Rehearse a zero-downtime schema migration before anyone runs it.

Usage
  cutover rehearse PLAN…       every history of the plan, forward and back
  cutover check PLAN…          parse and validate only
  cutover replay PLAN FINDING  one finding's trace, statement by statement
  cutover simulate PLAN        the plan under mixed traffic, in virtual time: a sample
  cutover PLAN…                the same as rehearse

Options
  --format text|json   text for people (default), or JSON on standard output
  --max-states N       stop after so many states
  --stragglers 1       each version also lives one deploy longer than planned
  --timeout S          stop after so many seconds
  --seed N             seed of random() and uuids, and of a simulation's traffic
  -h, --help           this text
  -v, --version        the version

Options of simulate
  --duration T         virtual time, such as 2h or 7d (default 7d)
  --rollout T          how long a rollout takes (default 10min)
  --rows N             rows of each table (default 1000)
  --requests N         about how many requests are run (default 150k)
  --lag T              how far streams and replicas are behind (default 1s)
  --out FILE           the recording, as JSON, into a file

Exit code
  0  safe      every history was explored, and no client can tell
  1  unsafe    a request fails, a write is lost, a way back breaks, or a lock is held for too long
  2  invalid   the plan or the command line is wrong
  3  unproven  the search was cut before it was done

For simulate: 0 nothing wrong was seen (no proof), 1 it was or the plan stopped, 2 the same, 3 it was cut.

Locks are forecast for the sizes and the traffic that the plan states under production and forecast.

Plans are *.cutover.yaml files. A rehearsal runs in this process and touches no database of yours.
NO_COLOR turns colour off. Ctrl-C ends a run and prints what it found so far.
`;
