namespace Demarc.Simulator.Messages;

/// <summary>What the simulator needs of a Messages body. Ranges are offsets into the body; strings keep their JSON escapes.</summary>
internal struct MessageFacts
{
    /// <summary>Top-level fields as a set, for the checks that each platform makes.</summary>
    public bool HasModel, HasMessages, HasStream, HasVersion, HasBetas;

    public Range Model;

    public bool Stream;

    public long? MaxTokens;

    /// <summary>A tool named <c>Bash</c> is offered.</summary>
    public bool HasBash;

    /// <summary>Contents of the last text block of the last user message.</summary>
    public Range UserText;

    /// <summary>The same of the first user message.</summary>
    public Range Opening;

    /// <summary>The last message that is not a <c>system</c> one carries a tool result.</summary>
    public bool EndsWithToolResult;

    /// <summary>That result's content, a JSON string or array.</summary>
    public Range ToolResult;

    public bool Thinking, ThinkingOmitted;

    public Range InferenceGeo;

    /// <summary>The JSON schema that the answer must follow (<c>output_config.format.schema</c> or <c>output_format.schema</c>).</summary>
    public Range Schema;

    public Range Tools, System;

    /// <summary>Bytes of tools, system and messages up to the last <c>cache_control</c>; 0 without one.</summary>
    public int CacheableBytes;

    /// <summary>A breakpoint asks for the one-hour cache.</summary>
    public bool CacheOneHour;
}
