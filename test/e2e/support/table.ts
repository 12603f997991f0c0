import { execFileSync } from "node:child_process";

const program = `
import sqlite3, sys
path, rows = sys.argv[1], int(sys.argv[2])
db = sqlite3.connect(path)
db.execute("PRAGMA journal_mode = WAL")
db.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, customer TEXT NOT NULL, amount REAL NOT NULL, note TEXT)")
db.execute("""
  WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
  INSERT INTO orders SELECT i, 'customer ' || (i % 5000), i / 7.0, 'order "' || i || '", with a comma' FROM n
""", (rows,))
db.commit()
db.close()
`;

/** Makes a SQLite file with a table `orders` of that many rows. */
export function makeOrders(path: string, rows: number): void {
  execFileSync("python3", ["-c", program, path, String(rows)]);
}
