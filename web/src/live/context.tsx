import { useQueryClient } from "@tanstack/react-query";
import { createContext, type ReactNode, useContext, useEffect, useState } from "react";
import { session } from "@/api/session";
import { config } from "@/lib/config";
import { LiveCache } from "./cache";
import { LiveSocket, type LiveStatus } from "./socket";

interface Live {
  status: LiveStatus;
  subscribe: (topics: readonly string[]) => () => void;
}

const LiveContext = createContext<Live>({ status: "connecting", subscribe: () => () => {} });

function connect(): WebSocket {
  const url = new URL(`${config.basePath}api/v1/live`, window.location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return new WebSocket(url);
}

/** Keeps one live connection for the signed-in pages. */
export function LiveProvider({ children }: { children: ReactNode }) {
  const queries = useQueryClient();
  const [status, setStatus] = useState<LiveStatus>("connecting");
  const [parts] = useState(() => {
    const cache = new LiveCache(queries);
    const socket = new LiveSocket({
      connect,
      renew: () => session.refresh(),
      onMessage: (message) => cache.receive(message),
      onStatus: setStatus,
    });
    const subscribe = (topics: readonly string[]) => socket.subscribe(topics);
    return { cache, socket, subscribe };
  });

  useEffect(() => {
    parts.socket.start();
    return () => {
      parts.socket.stop();
      parts.cache.stop();
    };
  }, [parts]);

  return <LiveContext value={{ status, subscribe: parts.subscribe }}>{children}</LiveContext>;
}

export function useLiveStatus(): LiveStatus {
  return useContext(LiveContext).status;
}

/** Has the server send what happens under these topics while the component is shown. */
export function useLiveTopics(...topics: string[]): void {
  const { subscribe } = useContext(LiveContext);
  const list = topics.join("\n");
  useEffect(() => (list === "" ? undefined : subscribe(list.split("\n"))), [subscribe, list]);
}

/** How often to ask again: seldom while the server tells changes by itself, often while it doesn't. */
export function usePolling({ live, fallback }: { live: number; fallback: number }): number {
  return useLiveStatus() === "open" ? live : fallback;
}
