// What hosts made of tasks, as the page knows it: from the server at once, then result by result.

/** @typedef {{name: string, ok: number, changed: number, failed: number, unreachable: number, skipped: number, state: string}} Host */
/** @typedef {{host: string, task: string, status: string, started_at: string | null, seconds: number | null, line: number, counter: number}} Result */

export class RunResults {
  constructor() {
    /** @type {Map<string, Host>} */
    this.hosts = new Map();
    /** @type {Map<string, string>} */
    this.tasks = new Map();
    /** @type {Map<number, Result>} by the counter of their events: each counts once, however often it comes */
    this.results = new Map();
    /** @type {Map<string, Result>} */
    this.cells = new Map();
    /** @type {number | null} */
    this.firstFailure = null;
    this.changes = 0;
  }

  /** @param {{hosts: Host[], tasks: {id: string, name: string}[], results: Result[], changes: unknown[], first_failure_line: number | null}} found */
  load(found) {
    for (const task of found.tasks) this.tasks.set(task.id, task.name);
    for (const host of found.hosts) this.hosts.set(host.name, host);
    for (const result of found.results) this.add(result);
    this.firstFailure = found.first_failure_line;
    this.changes = found.changes.length;
  }

  /** One result of the stream. @param {Result & {task_name?: string, recap?: Host, ignored?: boolean}} result @returns whether it is new */
  add(result) {
    if (this.results.has(result.counter)) return false;
    this.results.set(result.counter, result);
    this.cells.set(cell(result.host, result.task), result);
    if (result.task_name && !this.tasks.has(result.task)) this.tasks.set(result.task, result.task_name);
    if (result.recap) this.hosts.set(result.host, result.recap);
    const bad = ["failed", "unreachable"].includes(result.status) && !result.ignored;
    if (bad && this.firstFailure === null) this.firstFailure = result.line;
    return true;
  }

  /** @param {string} host @param {string} task */
  at(host, task) {
    return this.cells.get(cell(host, task));
  }

  /** How many hosts are in `state`. @param {string} state */
  count(state) {
    let count = 0;
    for (const host of this.hosts.values()) if (host.state === state) count += 1;
    return count;
  }

  /** Hosts by name, those in trouble first where `worstFirst`. */
  sortedHosts() {
    return [...this.hosts.values()].sort((a, b) => a.name.localeCompare(b.name, "en", { numeric: true }));
  }

  /** Tasks that hosts have results of, in their order. */
  shownTasks() {
    const used = new Set([...this.results.values()].map((result) => result.task));
    return [...this.tasks].filter(([id]) => used.has(id)).map(([id, name]) => ({ id, name }));
  }
}

/** @param {string} host @param {string} task */
function cell(host, task) {
  return `${host}\n${task}`;
}
