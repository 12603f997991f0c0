import { useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { useForm } from "react-hook-form";
import { api, unwrap } from "@/api/client";
import { session } from "@/api/session";
import { ErrorNotice } from "@/components/error-state";
import { Button } from "@/components/ui/button";
import { Field } from "@/components/ui/field";
import { Input } from "@/components/ui/input";
import { showFieldErrors } from "@/lib/form-errors";
import { AuthLayout } from "./auth-layout";

interface Registration {
  setupToken: string;
  email: string;
  password: string;
}

const fieldOf = {
  "body.setupToken": "setupToken",
  "body.email": "email",
  "body.password": "password",
} as const;

const shortestPassword = 10;

export function SetupPage() {
  const navigate = useNavigate();
  const queries = useQueryClient();
  const [refusal, setRefusal] = useState<unknown>();
  const { register, handleSubmit, formState, setError } = useForm<Registration>();
  const { errors } = formState;

  const submit = handleSubmit(async (body) => {
    setRefusal(undefined);
    try {
      session.begin(await unwrap(api.POST("/api/v1/auth/register", { body })));
      queries.clear();
      await navigate({ to: "/", replace: true });
    } catch (error) {
      if (!showFieldErrors(error, fieldOf, setError)) setRefusal(error);
    }
  });

  return (
    <AuthLayout
      title="Set up JobRunner"
      description="Make the first account. It becomes the administrator of this server."
    >
      <form noValidate onSubmit={submit} className="flex flex-col gap-4">
        <ErrorNotice error={refusal} />
        <Field
          label="Setup token"
          description="The server printed it when it started; look at its terminal or log."
          error={errors.setupToken?.message}
        >
          {(control) => (
            <Input
              {...control}
              {...register("setupToken", { required: "Enter the setup token.", setValueAs: trim })}
              className="font-mono"
              autoComplete="off"
              spellCheck={false}
              autoFocus
            />
          )}
        </Field>
        <Field label="E-mail" error={errors.email?.message}>
          {(control) => (
            <Input
              {...control}
              {...register("email", { required: "Enter an e-mail address.", setValueAs: trim })}
              type="email"
              autoComplete="username"
            />
          )}
        </Field>
        <Field
          label="Password"
          description={`At least ${shortestPassword} characters.`}
          error={errors.password?.message}
        >
          {(control) => (
            <Input
              {...control}
              {...register("password", {
                required: "Choose a password.",
                minLength: {
                  value: shortestPassword,
                  message: `The password needs at least ${shortestPassword} characters.`,
                },
              })}
              type="password"
              autoComplete="new-password"
            />
          )}
        </Field>
        <Button type="submit" variant="primary" pending={formState.isSubmitting}>
          Create account
        </Button>
      </form>
    </AuthLayout>
  );
}

function trim(value: string): string {
  return value.trim();
}
