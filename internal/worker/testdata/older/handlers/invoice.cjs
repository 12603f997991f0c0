const { createHash } = require("node:crypto");
const path = require("node:path");

class InvoiceHandler {
  constructor() {
    this.name = path.basename(__filename, ".cjs");
    this.description = "Adds up an invoice";
    this.version = "0.9.0";
    this.author = "Finance";
    this.count = 0;
  }

  async execute(job) {
    this.count += 1;
    const lines = job.data.lines.map(({ price, quantity = 1 }) => this.cents(price) * quantity);
    const net = lines.reduce((a, b) => a + b, 0);
    const tax = Math.round((net * job.data.taxPercent) / 100);
    const number = createHash("sha256").update(job.id).digest("hex").slice(0, 8);
    return { number: `INV-${number}`, net: net / 100, tax: tax / 100, total: (net + tax) / 100 };
  }

  cents(price) {
    return Math.round(price * 100);
  }
}

module.exports = new InvoiceHandler();
