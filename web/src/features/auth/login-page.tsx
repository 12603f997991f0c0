import { useQueryClient } from "@tanstack/react-query";
import { useRouter, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { useForm } from "react-hook-form";
import { api, unwrap } from "@/api/client";
import { session } from "@/api/session";
import { ErrorNotice } from "@/components/error-state";
import { Button } from "@/components/ui/button";
import { Field } from "@/components/ui/field";
import { Input } from "@/components/ui/input";
import { isServerPage } from "@/lib/server-page";
import { AuthLayout } from "./auth-layout";

interface Credentials {
  email: string;
  password: string;
}

export function LoginPage() {
  const router = useRouter();
  const queries = useQueryClient();
  const { next } = useSearch({ from: "/login" });
  const [refusal, setRefusal] = useState<unknown>();
  const { register, handleSubmit, formState, resetField } = useForm<Credentials>();

  const submit = handleSubmit(async (body) => {
    setRefusal(undefined);
    try {
      session.begin(await unwrap(api.POST("/api/v1/auth/login", { body })));
      queries.clear();
      if (isServerPage(next)) window.location.assign(next);
      else router.history.replace(next ?? "/");
    } catch (error) {
      setRefusal(error);
      resetField("password");
    }
  });

  return (
    <AuthLayout title="Sign in" description="Use the e-mail address and password of your account.">
      <form noValidate onSubmit={submit} className="flex flex-col gap-4">
        <ErrorNotice error={refusal} />
        <Field label="E-mail" error={formState.errors.email?.message}>
          {(control) => (
            <Input
              {...control}
              {...register("email", { required: "Enter your e-mail address." })}
              type="email"
              autoComplete="username"
              autoFocus
            />
          )}
        </Field>
        <Field label="Password" error={formState.errors.password?.message}>
          {(control) => (
            <Input
              {...control}
              {...register("password", { required: "Enter your password." })}
              type="password"
              autoComplete="current-password"
            />
          )}
        </Field>
        <Button type="submit" variant="primary" pending={formState.isSubmitting}>
          Sign in
        </Button>
      </form>
    </AuthLayout>
  );
}
