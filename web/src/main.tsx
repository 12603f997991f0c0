import "@fontsource-variable/inter/wght.css";
import "@fontsource-variable/geist-mono/wght.css";
import "./styles/index.css";

import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { type CSSProperties, lazy, StrictMode, Suspense } from "react";
import { createRoot } from "react-dom/client";
import { session } from "./api/session";
import { startTheme, useTheme } from "./lib/theme";
import { queries, router } from "./router";

// Nothing is said before something was done; the page comes first.
const Toaster = lazy(() => import("sonner").then((module) => ({ default: module.Toaster })));

const toastStyle = {
  fontFamily: "inherit",
  "--normal-bg": "var(--popover)",
  "--normal-border": "var(--border)",
  "--normal-text": "var(--popover-foreground)",
} as CSSProperties;

function App() {
  const { resolved } = useTheme();
  return (
    <StrictMode>
      <QueryClientProvider client={queries}>
        <RouterProvider router={router} />
        <Suspense>
          <Toaster theme={resolved} position="bottom-right" closeButton style={toastStyle} />
        </Suspense>
      </QueryClientProvider>
    </StrictMode>
  );
}

startTheme();

session.onEnd(() => {
  const { href } = router.state.location;
  queries.clear();
  void router.navigate({ to: "/login", search: { next: href === "/" ? undefined : href } });
});

const root = document.getElementById("root");
if (!root) throw new Error("index.html has no element with the id root");
createRoot(root).render(<App />);
