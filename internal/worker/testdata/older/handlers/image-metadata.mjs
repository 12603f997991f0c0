import { createHash } from "node:crypto";

const readers = [
  {
    format: "png",
    matches: (bytes) => bytes.subarray(0, 8).equals(Buffer.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10])),
    size: (bytes) => ({ width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20) }),
  },
  {
    format: "gif",
    matches: (bytes) => bytes.subarray(0, 3).toString("latin1") === "GIF",
    size: (bytes) => ({ width: bytes.readUInt16LE(6), height: bytes.readUInt16LE(8) }),
  },
];

export default {
  name: "image-metadata",
  description: "Tells the format and size of an image",
  version: "1.0.3",
  author: "Media",
  // An example of the data, not a schema.
  data: { image: "iVBORw0KGgo…", type: "base64" },

  async execute(job) {
    const bytes = Buffer.from(job.data.image, "base64");
    const reader = readers.find(({ matches }) => matches(bytes));
    if (!reader) throw new TypeError("not a PNG or GIF image");
    const sha1 = createHash("sha1").update(bytes).digest("hex");
    return { format: reader.format, ...reader.size(bytes), bytes: bytes.length, sha1 };
  },
};
