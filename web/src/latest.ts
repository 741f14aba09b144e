/** Runs one task at a time; of those that come meanwhile only the latest, afterwards. */
export class Latest {
  private running = false;
  private next: (() => Promise<unknown>) | null = null;

  async run(task: () => Promise<unknown>): Promise<void> {
    if (this.running) {
      this.next = task;
      return;
    }
    this.running = true;
    try {
      for (let now: typeof this.next = task; now !== null; now = this.next) {
        this.next = null;
        await now();
      }
    } finally {
      this.running = false;
    }
  }
}
